"""The words of the platform as frozen values and pure decisions."""
