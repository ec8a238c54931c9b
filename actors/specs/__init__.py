"""Specs: tests written as `*.ath.yaml`, collected as pytest items, and their Python twin.

A suite file holds suite-level fields and `tests`; a test holds `steps`. A step has exactly one
kind: the key `api`, `browser`, `command`, ….

A kind is one module under `actors/specs/steps`:

- a frozen pydantic model, derived from `actors.specs.model.SpecModel` (unknown keys are refused),
  whose optional field `save` maps names to where their values come from;
- one function `run(step, context)`, given the model with every `${look-up}` replaced. It says what
  it did by `context.note`, keeps values by `context.save`, respects `context.left()` and
  `context.spend`, and raises `StepFailed` with facts when an expectation does not hold.

It is registered by two lines in `actors/specs/step.py`: a field of `Step`, an entry of `KINDS`.
Imports of third-party packages other than pydantic belong inside `run` or what it calls, because
collecting a suite must stay cheap. Nothing here imports Ray.
"""
