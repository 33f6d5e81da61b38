"""What is done to Redis: operations as data, the scripts behind them, and what runs them."""
