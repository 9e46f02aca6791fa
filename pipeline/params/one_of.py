"""Settings whose value is a name out of a registry."""

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from pipeline.registry import Registry


@dataclass(frozen=True)
class OneOf:
    """`Annotated[str, OneOf(LOSSES)]`: as a `Literal` of the registry's names, refused in the same words."""

    registry: Registry

    @property
    def expected(self) -> str:
        """The choices in words."""
        *others, last = (repr(name) for name in self.registry)
        return f"{', '.join(others)} or {last}" if others else last

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._checked)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict:
        return {"type": "string", "enum": list(self.registry)}

    def _checked(self, value: Any) -> str:
        if isinstance(value, str) and value in self.registry:
            return value
        raise PydanticKnownError("literal_error", {"expected": self.expected})
