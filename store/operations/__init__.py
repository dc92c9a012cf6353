"""The operations of the store, free of the engine: one module for each noun."""
