/* What the committer counts: written by its thread, read by any. It stands among what else that
 * thread writes, so that it shares no cache line with what others write. */
#ifndef TB_SERVICE_COMMIT_METRICS_H
#define TB_SERVICE_COMMIT_METRICS_H

#include "base/metrics.h"
#include "board/board.h"

struct tb_job;

/* What became of a job. */
enum tb_job_outcome {
    TB_JOB_DONE,
    TB_JOB_REFUSED, /* the request was at fault */
    TB_JOB_FAILED,  /* the server was, or its disk */
    TB_JOB_OUTCOME_COUNT,
};

/* What became of a claim; those that end another one are not counted here. */
enum tb_claim_outcome {
    TB_CLAIM_GRANTED,
    TB_CLAIM_GRANTED_AFTER_WAIT,
    TB_CLAIM_EMPTY, /* there was nothing for it */
    TB_CLAIM_EMPTY_AFTER_WAIT,
    TB_CLAIM_REFUSED,
    TB_CLAIM_FAILED,
    TB_CLAIM_OUTCOME_COUNT,
};

struct tb_commit_metrics {
    tb_number jobs[TB_JOB_OUTCOME_COUNT];
    tb_number claims[TB_CLAIM_OUTCOME_COUNT];
    tb_number waiting_claims;
    tb_number gone_claims; /* whose clients left while they waited */
    struct tb_histogram batch_jobs;
    struct tb_histogram commit_us;
    tb_number failures[TB_ERR_COUNT]; /* batches that could not be written, by error */
    tb_number events[TB_EVENT_TYPE_COUNT];
    tb_number expired_claims;
    tb_number lost_claims;
    tb_number spared_vms;
};

extern const struct tb_bounds tb_batch_jobs_bounds;
extern const struct tb_bounds tb_commit_us_bounds;

const char *tb_job_outcome_name(enum tb_job_outcome outcome);
const char *tb_claim_outcome_name(enum tb_claim_outcome outcome);

/* A job that is done, before it is handed back. */
void tb_commit_metrics_job(struct tb_commit_metrics *metrics, const struct tb_job *job);

/* A batch of so many jobs that was committed, which took that long by itself. */
void tb_commit_metrics_batch(struct tb_commit_metrics *metrics, unsigned jobs, int64_t commit_us);

/* What the rules did in a batch that was committed. */
void tb_commit_metrics_board(struct tb_commit_metrics *metrics, const struct tb_board *board);

#endif
