"""How the coefficients of linear models are found."""
