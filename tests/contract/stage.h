/* Data folders made anew for each attempt, of a store that was made once. */
#ifndef TB_TESTS_STAGE_H
#define TB_TESTS_STAGE_H

#include "folder.h"

struct image {
    uint8_t *bytes;
    size_t size;
};

/* Made once for all tests, by give. */
struct given {
    struct image store;
    struct image older;
    struct image copy;  /* what tb_store_copy made of it */
    struct tb_str dump; /* of all three */
    struct world *world;
};

extern struct given given;

int give(void **state);
int take_back(void **state);

/* One attempt. */
struct stage {
    char folder[64];
    struct tb_store *store;
    int copy_fd;
    struct image copied;
    char why[256];
};

void write_image(const char *folder, const char *name, struct image image);

/* Puts the store, or a copy of one to be restored, into the stage's folder. */
void prepare_store(struct stage *stage);
void prepare_copy(struct stage *stage);

enum tb_err run_create(struct stage *stage);

/* tb_restore's, for a store that can be opened. */
bool judge(void *ctx, const char *folder, char *why, size_t why_size);

/* tb_store_copy's, for an image. */
bool keep_copy(void *ctx, const void *bytes, size_t len);

/* So many files are open in this process. */
size_t open_files(void);

/* Opens the store, when nothing fails, and compares it with what was given. */
void expect_everything(const char *folder, bool read_only);
void look_at_store(struct stage *stage, enum tb_err err);

#endif
