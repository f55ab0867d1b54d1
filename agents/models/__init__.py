"""Chat models, each behind the same port (`model.py`): what they are asked, and what they say while they answer."""
