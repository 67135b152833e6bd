/* Reading the value of a setting: see tb_setting_parse. */
#ifndef TB_CONFIG_VALUES_H
#define TB_CONFIG_VALUES_H

#include "config/table.h"

tb_setting_parse tb_value_number;     /* int64_t */
tb_setting_parse tb_value_size;       /* int64_t: bytes, with K, M, G or T */
tb_setting_parse tb_value_text;       /* const char * */
tb_setting_parse tb_value_url;        /* const char *: http or https, with a host */
tb_setting_parse tb_value_switch;     /* bool */
tb_setting_parse tb_value_list;       /* struct tb_settings_list: added */
tb_setting_parse tb_value_log_level;  /* enum tb_log_level */
tb_setting_parse tb_value_log_format; /* enum tb_log_format */

#endif
