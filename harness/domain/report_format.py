"""In which formats results from elsewhere may come."""

from enum import StrEnum


class ReportFormat(StrEnum):
    """A format that results from elsewhere may come in."""

    JUNIT = "junit"
    CTRF = "ctrf"
    ALLURE = "allure"
