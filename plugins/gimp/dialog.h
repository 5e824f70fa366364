/* The dialog of a method, with a preview. */
#ifndef COLORDEPLOY_GIMP_DIALOG_H
#define COLORDEPLOY_GIMP_DIALOG_H

#include "session.h"

/* Lets somebody change the settings; FALSE when they cancel. The session keeps what it prepared. */
gboolean dialog_run(const Method* method, const Subject* subject, Session* session,
                    Settings* settings);

#endif
