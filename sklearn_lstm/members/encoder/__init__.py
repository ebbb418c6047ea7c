"""The linear model of the vectors that a sentence encoder gives to whole texts."""
