"""The audit log."""

from volundr.domain.audit import AuditLog
from volundr.store.audit import AuditStore
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    audit = AuditLog(AuditStore(ground.db), ground.settings.retention.audit_days)
    return Part(services={AuditLog: audit}, run={"audit": audit.run}, close=(audit.close,))
