"""Question suites, scorers, runner, report and benchmarks. Import names from it; never `import eval`."""
