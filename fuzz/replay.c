/* Runs a target over files and folders of inputs, without a fuzzer: so every build replays what the
 * fuzzer has found so far. Prints how many inputs it ran; none at all is a failure. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_BYTES_MAX ((size_t)1 << 20)

static unsigned run_count;

static void run_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *bytes = malloc(INPUT_BYTES_MAX);
    must(file != NULL && bytes != NULL);
    size_t len = fread(bytes, 1, INPUT_BYTES_MAX, file);
    (void)fclose(file);
    char *exact = fuzz_exact(tb_str_from(bytes, len));
    free(bytes);
    if (getenv("TB_FUZZ_SHOW") != NULL) {
        (void)fprintf(stderr, "%s\n", path);
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)exact, len);
    free(exact);
    run_count++;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_input, alphasort);
    must(count >= 0);
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        run_file(path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat found;
        must(stat(argv[i], &found) == 0);
        if (S_ISDIR(found.st_mode)) {
            run_folder(argv[i]);
        } else {
            run_file(argv[i]);
        }
    }
    (void)printf("%u inputs\n", run_count);
    return run_count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
