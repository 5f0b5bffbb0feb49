"""The liquid: salt and potential in the channel of the cell."""
