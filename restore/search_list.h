/* A list of results: for people, with what was found marked, and as JSON. */
#pragma once

#include "restore/search_results.h"
#include "search/snippet.h"

#include <json-glib/json-glib.h>

/* To standard output; on a terminal what was found is bold, else in brackets. */
void search_list_print(const GPtrArray *results, SearchMarker *marker);
/* An array of objects. */
void search_list_add_json(JsonBuilder *builder, const GPtrArray *results, SearchMarker *marker);
