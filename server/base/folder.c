#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int tb_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int code = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd);
    return code;
}
