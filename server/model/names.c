#include <assert.h>

#include "taskboard/task.h"

static const char *const statuses[TB_STATUS_COUNT] = {
    [TB_STATUS_OPEN] = "open",           [TB_STATUS_IN_PROGRESS] = "in_progress",
    [TB_STATUS_IN_REVIEW] = "in_review", [TB_STATUS_BLOCKED] = "blocked",
    [TB_STATUS_DONE] = "done",
};

static const char *const outcomes[TB_OUTCOME_COUNT] = {
    [TB_OUTCOME_NONE] = "none",
    [TB_OUTCOME_SUCCESS] = "success",
    [TB_OUTCOME_FAILED] = "failed",
    [TB_OUTCOME_CANCELLED] = "cancelled",
};

static const char *const note_types[TB_NOTE_TYPE_COUNT] = {
    [TB_NOTE_FINDING] = "finding",
    [TB_NOTE_BLOCKER] = "blocker",
    [TB_NOTE_QUESTION] = "question",
    [TB_NOTE_UPDATE] = "update",
};

static const char *const artifact_types[TB_ARTIFACT_TYPE_COUNT] = {
    [TB_ARTIFACT_BRANCH] = "branch", [TB_ARTIFACT_REPORT] = "report",
    [TB_ARTIFACT_DEPLOY] = "deploy", [TB_ARTIFACT_DIFF] = "diff",
    [TB_ARTIFACT_FILE] = "file",     [TB_ARTIFACT_URL] = "url",
};

static const char *const attempt_outcomes[TB_ATTEMPT_OUTCOME_COUNT] = {
    [TB_ATTEMPT_RUNNING] = "running",       [TB_ATTEMPT_COMPLETED] = "completed",
    [TB_ATTEMPT_FAILED] = "failed",         [TB_ATTEMPT_RELEASED] = "released",
    [TB_ATTEMPT_EXPIRED] = "expired",       [TB_ATTEMPT_CANCELLED] = "cancelled",
    [TB_ATTEMPT_TAKEN_OVER] = "taken_over", [TB_ATTEMPT_VM_LOST] = "vm_lost",
};

static const char *const fields[TB_FIELD_COUNT] = {
    [TB_FIELD_ID] = "id",
    [TB_FIELD_TITLE] = "title",
    [TB_FIELD_STATUS] = "status",
    [TB_FIELD_OUTCOME] = "outcome",
    [TB_FIELD_ASSIGNEE] = "assignee",
    [TB_FIELD_TAGS] = "tags",
    [TB_FIELD_DEPENDENCIES] = "dependencies",
    [TB_FIELD_CREATED_BY] = "createdBy",
    [TB_FIELD_CREATED_AT] = "createdAt",
    [TB_FIELD_UPDATED_AT] = "updatedAt",
    [TB_FIELD_SCORE] = "score",
    [TB_FIELD_VERSION] = "version",
    [TB_FIELD_PRIORITY] = "priority",
    [TB_FIELD_NOT_BEFORE] = "notBefore",
    [TB_FIELD_ATTEMPTS] = "attempts",
    [TB_FIELD_MAX_ATTEMPTS] = "maxAttempts",
    [TB_FIELD_CLAIM] = "claim",
    [TB_FIELD_PROGRESS] = "progress",
    [TB_FIELD_UNIQUE_KEY] = "uniqueKey",
    [TB_FIELD_PARENT_ID] = "parentId",
    [TB_FIELD_BLOCKED_REASON] = "blockedReason",
    [TB_FIELD_BLOCKED_BY] = "blockedBy",
    [TB_FIELD_READY] = "ready",
    [TB_FIELD_DESCRIPTION] = "description",
    [TB_FIELD_PAYLOAD] = "payload",
    [TB_FIELD_RESULT] = "result",
    [TB_FIELD_NOTES] = "notes",
    [TB_FIELD_ARTIFACTS] = "artifacts",
};

#define TYPE_NAME(name, type, topic) [name] = type,
static const char *const event_types[TB_EVENT_TYPE_COUNT] = {TB_EVENT_TABLE(TYPE_NAME)};
#undef TYPE_NAME

#define TOPIC_NAME(name, type, topic) [name] = topic,
static const char *const event_topics[TB_EVENT_TYPE_COUNT] = {TB_EVENT_TABLE(TOPIC_NAME)};
#undef TOPIC_NAME

/* The index of `text` among `names` from `first` on, or -1. */
static int find(const char *const *names, int first, int count, struct tb_str text)
{
    for (int i = first; i < count; i++) {
        if (tb_str_eq_c(text, names[i])) {
            return i;
        }
    }
    return -1;
}

const char *tb_status_name(enum tb_status status)
{
    assert(status < TB_STATUS_COUNT);
    return statuses[status];
}

bool tb_status_parse(struct tb_str text, enum tb_status *out)
{
    int i = find(statuses, 0, TB_STATUS_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_status)i;
    }
    return i >= 0;
}

const char *tb_outcome_name(enum tb_outcome outcome)
{
    assert(outcome > TB_OUTCOME_NONE && outcome < TB_OUTCOME_COUNT);
    return outcomes[outcome];
}

bool tb_outcome_parse(struct tb_str text, enum tb_outcome *out)
{
    int i = find(outcomes, TB_OUTCOME_SUCCESS, TB_OUTCOME_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_outcome)i;
    }
    return i >= 0;
}

const char *tb_note_type_name(enum tb_note_type type)
{
    assert(type < TB_NOTE_TYPE_COUNT);
    return note_types[type];
}

bool tb_note_type_parse(struct tb_str text, enum tb_note_type *out)
{
    int i = find(note_types, 0, TB_NOTE_TYPE_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_note_type)i;
    }
    return i >= 0;
}

const char *tb_artifact_type_name(enum tb_artifact_type type)
{
    assert(type < TB_ARTIFACT_TYPE_COUNT);
    return artifact_types[type];
}

bool tb_artifact_type_parse(struct tb_str text, enum tb_artifact_type *out)
{
    int i = find(artifact_types, 0, TB_ARTIFACT_TYPE_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_artifact_type)i;
    }
    return i >= 0;
}

const char *tb_attempt_outcome_name(enum tb_attempt_outcome outcome)
{
    assert(outcome < TB_ATTEMPT_OUTCOME_COUNT);
    return attempt_outcomes[outcome];
}

bool tb_attempt_outcome_parse(struct tb_str text, enum tb_attempt_outcome *out)
{
    int i = find(attempt_outcomes, 0, TB_ATTEMPT_OUTCOME_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_attempt_outcome)i;
    }
    return i >= 0;
}

const char *tb_event_type_name(enum tb_event_type type)
{
    assert(type < TB_EVENT_TYPE_COUNT);
    return event_types[type];
}

const char *tb_event_topic(enum tb_event_type type)
{
    assert(type < TB_EVENT_TYPE_COUNT);
    return event_topics[type];
}

const char *tb_field_name(enum tb_field field)
{
    assert(field < TB_FIELD_COUNT);
    return fields[field];
}

bool tb_field_parse(struct tb_str text, enum tb_field *out)
{
    int i = find(fields, 0, TB_FIELD_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_field)i;
    }
    return i >= 0;
}
