"""Is this Redis fit for tasks, and is its data in order? What is found, and what can be healed.

`Doctor.examine` reads, pure rules make findings of what was read, and `Doctor.repair` heals.
"""

from pyasynq.admin.doctor.doctor import Doctor
from pyasynq.admin.doctor.doctor_async import AsyncDoctor
from pyasynq.admin.doctor.examination import Examination
from pyasynq.admin.doctor.repairs import Repair
from pyasynq.admin.doctor.roles import Role

__all__ = ["AsyncDoctor", "Doctor", "Examination", "Repair", "Role"]
