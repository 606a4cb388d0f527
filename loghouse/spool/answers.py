"""What an error of the store means for a batch: try again, wait for an operator, or look for the bad row."""

from enum import Enum

from loghouse.errors import StoreError, StoreUnreachable


class Answer(Enum):
    """The value is the least and the greatest wait in seconds before the next attempt."""

    DOUBTFUL = (0.2, 15.0)  # it may have been stored all the same: connection lost, timeout, cancelled
    OVERLOADED = (2.0, 30.0)  # too many parts or queries: the store needs a rest
    NO_MEMORY = (2.0, 30.1)  # the same, but it may be this batch that is too large
    NO_CAPACITY = (1.0, 20.0)  # read-only, no space, no Keeper
    REFUSED = (5.0, 30.0)  # only an operator can help: no such table, wrong password
    POISON = (5.0, 30.1)  # a row that cannot be stored, so that time does not help


_CODES = {
    Answer.DOUBTFUL: (3, 159, 203, 209, 210, 236, 319, 394, 425),
    Answer.OVERLOADED: (202, 252, 439),
    Answer.NO_MEMORY: (241,),
    Answer.NO_CAPACITY: (164, 225, 242, 243, 285, 999),
    Answer.POISON: (6, 25, 26, 27, 38, 41, 53, 69, 70, 72, 117, 128, 131, 190, 321, 349, 395, 407, 469, 636),
}
_ANSWERS = {code: answer for answer, codes in _CODES.items() for code in codes}
TOO_MANY_PARTS = 252


def answer_of(error: StoreError) -> Answer:
    """The class of an error. What nobody thought of is for an operator."""
    if isinstance(error, StoreUnreachable):
        return Answer.DOUBTFUL
    if error.code == TOO_MANY_PARTS and "partitions for single INSERT" in error.message:
        return Answer.POISON  # the same number for rows that span too many days
    return _ANSWERS.get(error.code, Answer.REFUSED)
