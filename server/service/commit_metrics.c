#include "service/commit_metrics.h"

#include "service/service.h"

const struct tb_bounds tb_batch_jobs_bounds = {11, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}};

const struct tb_bounds tb_commit_us_bounds = {15,
                                              {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
                                               100000, 250000, 500000, 1000000, 2500000, 10000000}};

const char *tb_job_outcome_name(enum tb_job_outcome outcome)
{
    static const char *const names[TB_JOB_OUTCOME_COUNT] = {
        [TB_JOB_DONE] = "done",
        [TB_JOB_REFUSED] = "refused",
        [TB_JOB_FAILED] = "failed",
    };
    return names[outcome];
}

const char *tb_claim_outcome_name(enum tb_claim_outcome outcome)
{
    static const char *const names[TB_CLAIM_OUTCOME_COUNT] = {
        [TB_CLAIM_GRANTED] = "granted", [TB_CLAIM_GRANTED_AFTER_WAIT] = "granted_after_wait",
        [TB_CLAIM_EMPTY] = "empty",     [TB_CLAIM_EMPTY_AFTER_WAIT] = "empty_after_wait",
        [TB_CLAIM_REFUSED] = "refused", [TB_CLAIM_FAILED] = "failed",
    };
    return names[outcome];
}

static enum tb_job_outcome job_outcome(const struct tb_reply *reply)
{
    if (reply->err == TB_OK) {
        return TB_JOB_DONE;
    }
    return tb_err_status(reply->err) < 500 ? TB_JOB_REFUSED : TB_JOB_FAILED;
}

static enum tb_claim_outcome claim_outcome(const struct tb_job *job)
{
    bool waited = job->wait.number != 0;
    switch (job_outcome(&job->reply)) {
    case TB_JOB_REFUSED:
        return TB_CLAIM_REFUSED;
    case TB_JOB_FAILED:
        return TB_CLAIM_FAILED;
    default:
        break;
    }
    if (job->reply.found_nothing) {
        return waited ? TB_CLAIM_EMPTY_AFTER_WAIT : TB_CLAIM_EMPTY;
    }
    return waited ? TB_CLAIM_GRANTED_AFTER_WAIT : TB_CLAIM_GRANTED;
}

void tb_commit_metrics_job(struct tb_commit_metrics *metrics, const struct tb_job *job)
{
    enum tb_command_kind kind = job->command.kind;
    tb_number_add(&metrics->jobs[job_outcome(&job->reply)], 1);
    if (kind == TB_COMMAND_CLAIM || kind == TB_COMMAND_CLAIM_TASK) {
        tb_number_add(&metrics->claims[claim_outcome(job)], 1);
    }
}

void tb_commit_metrics_batch(struct tb_commit_metrics *metrics, unsigned jobs, int64_t commit_us)
{
    tb_histogram_note(&metrics->batch_jobs, &tb_batch_jobs_bounds, jobs);
    tb_histogram_note(&metrics->commit_us, &tb_commit_us_bounds,
                      commit_us > 0 ? (uint64_t)commit_us : 0);
}

void tb_commit_metrics_board(struct tb_commit_metrics *metrics, const struct tb_board *board)
{
    for (unsigned type = 0; type < TB_EVENT_TYPE_COUNT; type++) {
        if (board->events[type] > 0) {
            tb_number_add(&metrics->events[type], board->events[type]);
        }
    }
    tb_number_add(&metrics->expired_claims, board->expired_claims);
    tb_number_add(&metrics->lost_claims, board->lost_claims);
    tb_number_add(&metrics->spared_vms, board->spared_vms);
}
