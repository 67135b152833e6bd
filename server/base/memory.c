#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tb_out_of_memory(void)
{
    static const char sentence[] = "taskboardd: out of memory\n";
    (void)!write(STDERR_FILENO, sentence, strlen(sentence)); /* stdio might want memory */
    abort();
}
