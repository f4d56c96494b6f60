"""Roles of people and scopes of keys: the two columns of the policy table."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in an organization, from most to least."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"

    @property
    def label(self) -> str:
        """The word people see."""
        return self.value.capitalize()


class Scope(StrEnum):
    """What a key was made for."""

    READ = "read"
    IDENTIFY = "identify"
    ENROLL = "enroll"
    EVALUATE = "evaluate"

    @property
    def label(self) -> str:
        """The sentence on the page where keys are made."""
        return {
            Scope.READ: "Read galleries, people, jobs, results and pictures",
            Scope.IDENTIFY: "Ask who is in a photo, and compare photos",
            Scope.ENROLL: "Add people and photos, start imports",
            Scope.EVALUATE: "Freeze datasets, start and stop evaluations, apply thresholds",
        }[self]
