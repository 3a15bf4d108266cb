"""What a change of some packages means for all others: who depends on them, what breaks, what follows."""
