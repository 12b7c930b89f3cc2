/* muniment case: what is listed and closed. */
#include "restore/verb.h"
#include "restore/verbs.h"

int restore_verb_case(int argc, char **argv)
{
    return 0;
}
