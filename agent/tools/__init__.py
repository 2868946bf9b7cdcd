"""Pure, read-only, typed functions over the catalog: prices, costs, budgets, comparison, selection. No network, no state."""
