"""Fine-tuning, evaluation and serving of the models. Knows nothing of the database; imports no torch by itself.

Light (plain records and functions): ``examples``, ``recipe``, ``splits``, ``templates``, ``champion``, ``jobs``.
Heavy (loads torch, transformers or scikit-learn): ``training``, ``evaluation``, ``predictor``, ``baselines``, ``run``.
"""
