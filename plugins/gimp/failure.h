/* Errors of the plug-in: what GIMP is told. */
#ifndef COLORDEPLOY_GIMP_FAILURE_H
#define COLORDEPLOY_GIMP_FAILURE_H

#include <glib.h>

#define FAILURE (g_quark_from_static_string("colordeploy-gimp"))
enum { FAILURE_CALL, FAILURE_EXECUTION, FAILURE_CANCELLED };

#endif
