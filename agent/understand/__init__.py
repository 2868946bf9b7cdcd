"""Understanding by code, no model: entities, fields, quantities, constraints, intent, and what a later turn refers to."""
