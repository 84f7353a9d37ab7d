"""How often drift is noticed where there is none, and how soon where there is."""
