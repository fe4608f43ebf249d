"""What the console's lists are: each app's admins, put together."""

from __future__ import annotations

import django_q.admin  # noqa: F401 - registers what is taken out below
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django_q.models import Failure, OrmQ, Schedule, Success

from archiving.admin.job_page import ArchiveJobAdmin
from archiving.admin.others import ArchiveCopyAdmin, RecipientAdmin
from archiving.admin.restores import RestoreAdmin
from archiving.models import ArchiveCopy, ArchiveJob, Recipient, Restore
from runfolders.admin.others import InstrumentAdmin, RootAdmin, SampleAdmin
from runfolders.models import Instrument, Root, Runfolder, Sample
from seqhub.console.run_page import RunAdmin
from seqhub.operations.admin.history import AttentionAdmin, EventAdmin
from seqhub.operations.admin.tokens import ApiTokenAdmin
from seqhub.operations.admin.users import RoleAdmin, UserAdmin
from seqhub.operations.models import ApiToken, Attention, Event
from turret.admin.compute import ComputeAdmin
from turret.admin.launch_page import LaunchAdmin
from turret.admin.pipelines import PipelineAdmin
from turret.admin.workflow_page import WorkflowAdmin
from turret.models import ComputeEnvironment, Launch, Pipeline, Workflow

# Of the queues nothing may be changed or sent again by hand: the Health page
# shows them.
admin.site.unregister([Failure, OrmQ, Schedule, Success, Group, User])

admin.site.register(Runfolder, RunAdmin)
admin.site.register(Sample, SampleAdmin)
admin.site.register(Instrument, InstrumentAdmin)
admin.site.register(Root, RootAdmin)
admin.site.register(ArchiveJob, ArchiveJobAdmin)
admin.site.register(Restore, RestoreAdmin)
admin.site.register(ArchiveCopy, ArchiveCopyAdmin)
admin.site.register(Recipient, RecipientAdmin)
admin.site.register(Workflow, WorkflowAdmin)
admin.site.register(Launch, LaunchAdmin)
admin.site.register(Pipeline, PipelineAdmin)
admin.site.register(ComputeEnvironment, ComputeAdmin)
admin.site.register(Event, EventAdmin)
admin.site.register(Attention, AttentionAdmin)
admin.site.register(ApiToken, ApiTokenAdmin)
admin.site.register(User, UserAdmin)
admin.site.register(Group, RoleAdmin)
