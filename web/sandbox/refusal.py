"""How any part of the sandbox turns a call down."""


class Refusal(Exception):  # noqa: N818 - not an error here: it is the answer
    """A call that is answered with an error. `status`: of HTTP; `message`: for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
