"""How people sign in, whatever the installation: lockouts, accounts and second factors (opscenter/core/signin)."""

AXES_HANDLER = "opscenter.core.signin.lockouts.Handler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "opscenter.core.signin.lockouts.answer"
AXES_CLIENT_IP_CALLABLE = "opscenter.core.signin.lockouts.address_of"
AXES_RESET_ON_SUCCESS = True
# A lockout ends by itself, however often it is tried meanwhile.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# What axes keeps of a form that failed.
AXES_SENSITIVE_PARAMETERS = [
    "username",
    "ip_address",
    "login",
    "oldpassword",
    "password1",
    "password2",
    "code",
    "otp",
    "csrfmiddlewaretoken",
]

ACCOUNT_ADAPTER = "opscenter.core.signin.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
REAUTHENTICATION_S = 300
ACCOUNT_REAUTHENTICATION_TIMEOUT = REAUTHENTICATION_S
# axes counts failures, in the database; these would count in a cache, and a name's without its address.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {
    "login": "opscenter.core.signin.forms.SignIn",
    "change_password": "opscenter.core.signin.forms.ChangePassword",
}
MFA_ADAPTER = "opscenter.core.signin.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Ops-Center"
# In steps of 30 seconds, either way: clocks differ.
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "opscenter.core.signin.forms.Code",
    "reauthenticate": "opscenter.core.signin.forms.ConfirmingCode",
    "activate_totp": "opscenter.core.signin.forms.Enrol",
}
