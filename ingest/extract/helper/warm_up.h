/* Has the libraries load what they load at their first use, while that is still allowed. */
#pragma once

void extract_warm_up(void);
