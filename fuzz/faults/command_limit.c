/* Planted: a text that is too long is not noticed. */
#include "base/str.h"

size_t __wrap_tb_text_decoded_len(struct tb_str text);

size_t __wrap_tb_text_decoded_len(struct tb_str text)
{
    (void)text;
    return 0;
}
