#include "base/instant.h"

#include <assert.h>

#define MS_PER_DAY INT64_C(86400000)

/* The calendar arithmetic is Howard Hinnant's (chrono-Compatible Low-Level Date Algorithms): years
 * begin in March, so that the leap day comes last, and 400 years are one era of 146,097 days.
 * 719,468 days lie between 0000-03-01 and 1970-01-01. */
#define DAYS_TO_1970 719468
#define DAYS_PER_ERA 146097

static void put2(char *out, unsigned number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

static void put_date(char *out, unsigned days)
{
    unsigned from_0000 = days + DAYS_TO_1970;
    unsigned era = from_0000 / DAYS_PER_ERA;
    unsigned day_of_era = from_0000 % DAYS_PER_ERA;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned march_month = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * march_month + 2) / 5 + 1;
    unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
    unsigned year = year_of_era + era * 400 + (month <= 2);
    put2(out, year / 100);
    put2(out + 2, year % 100);
    out[4] = '-';
    put2(out + 5, month);
    out[7] = '-';
    put2(out + 8, day);
}

void tb_instant_format(int64_t ms, char out[TB_INSTANT_LEN])
{
    assert(ms >= 0 && ms <= TB_INSTANT_MAX_MS);
    unsigned in_day = (unsigned)(ms % MS_PER_DAY);
    put_date(out, (unsigned)(ms / MS_PER_DAY));
    out[10] = 'T';
    put2(out + 11, in_day / 3600000);
    out[13] = ':';
    put2(out + 14, in_day / 60000 % 60);
    out[16] = ':';
    put2(out + 17, in_day / 1000 % 60);
    out[19] = '.';
    out[20] = (char)('0' + in_day / 100 % 10);
    put2(out + 21, in_day % 100);
    out[23] = 'Z';
}

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    if (year < 0) {
        return -DAYS_TO_1970; /* January and February of the year 0: long out of range */
    }
    int64_t era = year / 400;
    unsigned year_of_era = (unsigned)(year % 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* --- reading: each step takes what it knows from the front of `s`, or returns false --- */

static bool take_number(struct tb_str *s, size_t digits, unsigned max, unsigned *out)
{
    if (s->len < digits) {
        return false;
    }
    unsigned number = 0;
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = (unsigned char)s->ptr[i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit;
    }
    s->ptr += digits;
    s->len -= digits;
    *out = number;
    return number <= max;
}

static bool take_char(struct tb_str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    s->ptr++;
    s->len--;
    return true;
}

static bool take_date(struct tb_str *s, int64_t *ms)
{
    unsigned year;
    unsigned month;
    unsigned day;
    if (!take_number(s, 4, 9999, &year) || !take_char(s, '-') || !take_number(s, 2, 12, &month) ||
        !take_char(s, '-') || !take_number(s, 2, 31, &day) || month == 0 || day == 0 ||
        day > days_in_month(year, month)) {
        return false;
    }
    *ms = days_from_civil(year, month, day) * MS_PER_DAY;
    return true;
}

/* Leaves *ms alone when there is no fraction. */
static bool take_fraction(struct tb_str *s, unsigned *ms)
{
    if (!take_char(s, '.')) {
        return true;
    }
    unsigned number = 0;
    unsigned digits = 0;
    unsigned digit;
    while (take_number(s, 1, 9, &digit)) {
        number = digits < 3 ? number * 10 + digit : number;
        digits++;
    }
    if (digits == 0 || digits > 9) {
        return false;
    }
    *ms = digits == 1 ? number * 100 : digits == 2 ? number * 10 : number;
    return true;
}

static bool take_time(struct tb_str *s, int64_t *ms)
{
    unsigned hour;
    unsigned minute;
    unsigned second;
    unsigned fraction_ms = 0;
    if (!take_number(s, 2, 23, &hour) || !take_char(s, ':') || !take_number(s, 2, 59, &minute) ||
        !take_char(s, ':') || !take_number(s, 2, 60, &second) || !take_fraction(s, &fraction_ms)) {
        return false;
    }
    if (second == 60) {
        second = 59;
        fraction_ms = 999;
    }
    *ms = ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000 + fraction_ms;
    return true;
}

static bool take_offset(struct tb_str *s, int64_t *ms)
{
    if (take_char(s, 'Z') || take_char(s, 'z')) {
        *ms = 0;
        return true;
    }
    unsigned hour;
    unsigned minute;
    bool west = take_char(s, '-');
    if ((!west && !take_char(s, '+')) || !take_number(s, 2, 23, &hour) || !take_char(s, ':') ||
        !take_number(s, 2, 59, &minute)) {
        return false;
    }
    int64_t minutes = (int64_t)hour * 60 + minute;
    *ms = (west ? -minutes : minutes) * 60000;
    return true;
}

bool tb_instant_parse(struct tb_str s, int64_t *ms)
{
    int64_t date_ms;
    int64_t time_ms;
    int64_t offset_ms;
    if (!take_date(&s, &date_ms) || (!take_char(&s, 'T') && !take_char(&s, 't')) ||
        !take_time(&s, &time_ms) || !take_offset(&s, &offset_ms) || s.len != 0) {
        return false;
    }
    int64_t instant = date_ms + time_ms - offset_ms;
    if (instant < 0 || instant > TB_INSTANT_MAX_MS) {
        return false;
    }
    *ms = instant;
    return true;
}
