"""The zoo: River models that learn one outcome after the other, and how each is frozen."""
