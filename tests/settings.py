"""The settings under test: the platform's own, in a home that the run made and removes."""

import atexit
import os
import shutil
import tempfile

_home = tempfile.mkdtemp(prefix="fairmesh-test-")
os.mkdir(os.path.join(_home, "static"))  # WhiteNoise warns when it is not there
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ["FAIRMESH_HOME"] = _home
for _variable in [name for name in os.environ if name.startswith("FAIRMESH_")]:
    if _variable != "FAIRMESH_HOME":
        del os.environ[_variable]  # a developer's settings are not what is tested
os.environ.pop("REDIS_URL", None)
os.environ["FAIRMESH_SHADOW_RATE"] = "1"  # every decision of every test is asked of Cedar as well

from config.settings import *  # noqa: E402, F403
