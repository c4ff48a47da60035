"""All tables in one place, for migrations and their drift check."""

from models.api_key import ApiKey
from models.artifact import Artifact
from models.audit_entry import AuditEntry
from models.base import Base
from models.cache_generation import CacheGeneration
from models.charge import Charge, Company, DailyTransaction
from models.etl_run import EtlRun
from models.file import File
from models.idempotency import IdempotencyKey
from models.item import Item
from models.job import Job, JobEvent
from models.job_log import JobLog
from models.number_set_entry import NumberSetEntry
from models.order import CustomerSpend, Order, OrderStatusHour
from models.order_staging import OrderImport
from models.raw_transaction import RawTransaction, RejectedTransaction
from models.running_sum_entry import RunningSumEntry
from models.schedule import Schedule, ScheduleRun
from models.sync_page import SyncPage
from models.two_sum_result import TwoSumResult
from models.worker import PausedQueue, Worker

__all__ = [
    "ApiKey",
    "Artifact",
    "AuditEntry",
    "Base",
    "CacheGeneration",
    "Charge",
    "Company",
    "CustomerSpend",
    "DailyTransaction",
    "EtlRun",
    "File",
    "IdempotencyKey",
    "Item",
    "Job",
    "JobEvent",
    "JobLog",
    "NumberSetEntry",
    "Order",
    "OrderImport",
    "OrderStatusHour",
    "PausedQueue",
    "RawTransaction",
    "RejectedTransaction",
    "RunningSumEntry",
    "Schedule",
    "ScheduleRun",
    "SyncPage",
    "TwoSumResult",
    "Worker",
]
