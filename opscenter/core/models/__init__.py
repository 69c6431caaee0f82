"""The rows that belong to no single app."""

from opscenter.core.models.alert import Alert
from opscenter.core.models.audit import AuditEntry
from opscenter.core.models.audit_head import AuditHead
from opscenter.core.models.config_version import ConfigVersion
from opscenter.core.models.failed_sign_in import FailedSignIn
from opscenter.core.models.limited import LIMIT_FIELDS, Limited, limits_are_usable
from opscenter.core.models.password_check import PasswordCheck
from opscenter.core.models.secret import Secret
from opscenter.core.models.task_run import TaskRun
from opscenter.core.models.user import User

__all__ = [
    "LIMIT_FIELDS",
    "Alert",
    "AuditEntry",
    "AuditHead",
    "ConfigVersion",
    "FailedSignIn",
    "Limited",
    "PasswordCheck",
    "Secret",
    "TaskRun",
    "User",
    "limits_are_usable",
]
