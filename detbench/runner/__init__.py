"""The only loop over the pictures of an evaluation."""
