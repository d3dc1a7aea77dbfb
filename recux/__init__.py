"""recux measures the user experience of a recommender system and improves it, round by round."""
