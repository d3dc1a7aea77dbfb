"""Fine-tuning, evaluation and serving of the models. Knows nothing of the database; imports no torch by itself.

Light (plain records and functions): ``examples``, ``recipe``, ``splits``, ``templates``, ``champion``, ``jobs``,
``predictor``. Heavy (load torch, transformers or scikit-learn): ``training``, ``scoring``, ``baselines``, ``run``.
"""

import os

# Threads of a matrix product wait asleep instead of spinning. Spinning is a few percent faster on an idle machine and
# three to seven times slower on one that also serves pages; libgomp reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
