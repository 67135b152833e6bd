#include "when.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "base/instant.h"

#define MS 1000

static const struct {
    int64_t seconds;
    char letter;
} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

const char *cli_when(struct tb_arena *arena, const char *instant)
{
    int64_t ms;
    if (instant == NULL || !tb_instant_parse(tb_str_c(instant), &ms)) {
        return instant;
    }
    int64_t ago = tb_clock_wall_ms(tb_clock_system()) - ms;
    /* Rounded: of a lease of five minutes that has just begun 299.9 seconds are left. */
    int64_t distance = ((ago < 0 ? -ago : ago) + MS / 2) / MS;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (distance >= units[i].seconds) {
            return tb_arena_printf(arena, "%s%" PRId64 "%c%s", ago < 0 ? "in " : "",
                                   distance / units[i].seconds, units[i].letter,
                                   ago < 0 ? "" : " ago")
                .ptr;
        }
    }
    return "now";
}

const char *cli_time_of_day(struct tb_arena *arena, const char *instant)
{
    int64_t ms;
    if (instant == NULL || !tb_instant_parse(tb_str_c(instant), &ms)) {
        return instant;
    }
    time_t then = (time_t)(ms / MS);
    time_t now = (time_t)(tb_clock_wall_ms(tb_clock_system()) / MS);
    struct tm that;
    struct tm today;
    char text[64];
    if (localtime_r(&then, &that) == NULL || localtime_r(&now, &today) == NULL) {
        return instant;
    }
    bool is_today = that.tm_yday == today.tm_yday && that.tm_year == today.tm_year;
    (void)strftime(text, sizeof(text), is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &that);
    return tb_arena_printf(arena, "%s", text).ptr;
}
