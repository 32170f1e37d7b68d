
#include <string.h>

#include "sss_trouble.h"


const char *
sss_server_trouble(const sss_server_report_t *report)
{
    if (report->state == SSS_SERVER_DOWN) {

        if (strstr(report->error, "keeps no versions") != NULL) {
            return "it keeps no versions of items: start it without -C";
        }

        if (strstr(report->error, ": get: ERROR") != NULL) {
            return "it refuses \"gets\": it is a proxy, and no memcached";
        }
    }

    if (report->state == SSS_SERVER_REFUSES) {

        if (strstr(report->error, "too large") != NULL) {
            return "it takes no record that is as large as the keys are: "
                   "raise its -I";
        }

        return "it takes no writes";
    }

    if (report->returns > SSS_TROUBLE_MANY) {
        return "what is there now is older than what was there before: there "
               "are several servers behind its address, or it is restarted "
               "again and again";
    }

    if (report->losses > SSS_TROUBLE_MANY) {
        return "it loses what was written: it evicts for want of memory, or "
               "there are several servers behind its address";
    }

    return "";
}
