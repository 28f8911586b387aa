"""What a policy is rewarded for: by name, or by a function of texts that the user gives."""

from collections.abc import Callable

import keras
import numpy as np

from keras_textgen.errors import InputError, unknown

REWARDS = ("discriminator", "constant", "random")
UNSAVED = "unsaved"  # stands in a configuration for a function that cannot be saved


def known_reward(reward):
    """The reward that a constructor is given, or the function that a configuration names."""
    if isinstance(reward, dict):
        return keras.saving.deserialize_keras_object(reward)
    if not callable(reward) and reward not in (*REWARDS, UNSAVED):
        raise unknown("reward", reward, REWARDS)
    return reward


def reward_config(reward):
    """What stands for a reward in a configuration; a function must be registered to be found again."""
    if not callable(reward):
        return reward
    name = getattr(reward, "__name__", None)
    registered = name is not None and keras.saving.get_registered_name(reward) != name
    return keras.saving.serialize_keras_object(reward) if registered else UNSAVED


def checked_reward(reward: Callable, texts: list[str]) -> np.ndarray:
    """What a user's function makes of texts: `float32 [n]`; `InputError` if it is anything else."""
    try:
        found = np.asarray(reward(texts), np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"the reward must give a number a text: {error}") from error
    if found.shape != (len(texts),) or not np.isfinite(found).all():
        raise InputError(f"the reward must give {len(texts)} finite numbers for {len(texts)} texts, not {found.shape}")
    return found
