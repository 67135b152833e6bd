/* Telling systemd how far we are (sd_notify(3)), without its library. */
#ifndef TB_HTTP_NOTIFY_H
#define TB_HTTP_NOTIFY_H

/* `state` is `READY=1` or `STOPPING=1`. Does nothing where nobody asked. */
void tb_notify(const char *state);

#endif
