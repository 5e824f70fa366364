#include "dialog.h"
gboolean dialog_run(const Method* method, const Subject* subject, const Pixels* photo,
                    Session* session, Settings* settings) { (void)method;(void)subject;(void)photo;(void)session;(void)settings; return TRUE; }
