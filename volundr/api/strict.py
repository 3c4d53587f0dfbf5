"""What bodies have in common."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


class Strict(BaseModel):
    """A field we do not know is an error: it was meant to do something."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """An answer that is read from an object of the domain, field by field."""

    model_config = ConfigDict(from_attributes=True)


def storable(value: Any) -> Any:
    """Without NUL, which Postgres cannot store."""
    match value:
        case str():
            return value.replace("\x00", "")
        case dict():
            return {storable(key): storable(one) for key, one in value.items()}
        case list():
            return [storable(one) for one in value]
        case _:
            return value


Text = Annotated[str, AfterValidator(storable)]
"""A text as it can be stored."""
Json = Annotated[dict[str, Any], AfterValidator(storable)]
"""A JSON object as it can be stored."""
