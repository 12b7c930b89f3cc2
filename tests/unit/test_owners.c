/* Who owns a message: every rule of ingest/owners.h, each by its number. */
#include "ingest/owners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const IngestOwnerSettings usual = {
    .domains = (const char *const[]){"Example.COM",
                                     "b\xc3\xbc"
                                     "cher.example",
                                     "new.test", "third.test", NULL},
    .archive_domains = (const char *const[]){"archive.test", "b.archive.test", NULL},
    .aliases = (const char *const[]){"Sales@example.com=Anna@example.com",
                                     "info@example.com=sales@example.com",
                                     "help+urgent@example.com=bert@example.com",
                                     "help@new.test=carl@old.test", "x@example.com=y@else.test",
                                     "z@example.com=archive@archive.test", NULL},
    .domain_aliases = (const char *const[]){"old.test=new.test", "older.test=Old.Test.",
                                            "odd.test=archive.test", NULL},
    .delimiter = "+",
};

static IngestOwnerRules *make_rules(const IngestOwnerSettings *settings)
{
    g_autoptr(GError) error = NULL;
    IngestOwnerRules *rules = ingest_owner_rules_new(settings, &error);

    if (rules == NULL)
        fail_msg("%s", error->message);
    return rules;
}

static GPtrArray *owners_of(const IngestOwnerRules *rules, const char *const *recipients)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (; *recipients != NULL; recipients++)
        g_ptr_array_add(list, (gpointer)*recipients);
    return ingest_owners(rules, list);
}

static const IngestOwner *owner_at(GPtrArray *owners, guint i)
{
    assert_true(i < owners->len);
    return g_ptr_array_index(owners, i);
}

/* `address` NULL: unassigned. */
static void assert_owner(const IngestOwnerRules *rules, const char *recipient, const char *address,
                         VaultOwnerRole role)
{
    g_autoptr(GPtrArray) owners = owners_of(rules, LIST(recipient));
    const IngestOwner *owner = owner_at(owners, 0);

    assert_int_equal(owners->len, 1);
    if (g_strcmp0(owner->address, address) != 0)
        fail_msg("%s belongs to %s, not %s", recipient, owner->address, address);
    assert_int_equal(owner->role, address != NULL ? role : VAULT_OWNER_UNASSIGNED);
    assert_int_equal(owner->recipients->len, 1);
    assert_string_equal(g_ptr_array_index(owner->recipients, 0), recipient);
}

static void assert_recipient(const char *recipient, const char *address)
{
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);

    assert_owner(rules, recipient, address, VAULT_OWNER_RECIPIENT);
}

static void rule_1_template_names_the_recipient(void **state)
{
    assert_recipient("archive+dora=example.com@archive.test", "dora@example.com");
    assert_recipient("journal+Dora=Example.Com@B.Archive.Test.", "dora@example.com");
    assert_recipient("archive+a=b=example.com@archive.test", "a=b@example.com");
    assert_recipient("archive+dora+lists+x=example.com@archive.test", "dora@example.com");
    assert_recipient("\"archive+do ra=example.com\"@archive.test", "do ra@example.com");
    assert_recipient("\"archive+a@b=example.com\"@archive.test", "a@b@example.com");
    assert_recipient("archive+\"do ra\"=example.com@archive.test", "do ra@example.com");
    assert_recipient("archive+sales=example.com@archive.test", "anna@example.com");
    assert_recipient("archive+dora=older.test@archive.test", "dora@new.test");
}

static void rule_2_template_names_the_sender(void **state)
{
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);

    assert_owner(rules, "archive+from+dora=example.com@archive.test", "dora@example.com",
                 VAULT_OWNER_SENDER);
    assert_owner(rules, "archive+From+dora+x=y=example.com@archive.test", "dora@example.com",
                 VAULT_OWNER_SENDER);
    assert_owner(rules, "archive+from=example.com@archive.test", "from@example.com",
                 VAULT_OWNER_RECIPIENT);
    assert_owner(rules, "archive+from+dora=else.test@archive.test", NULL, VAULT_OWNER_SENDER);
}

static void rule_2_archive_alone_names_nobody(void **state)
{
    static const char *const recipients[] = {"archive@archive.test",
                                             "archive+@archive.test",
                                             "archive+dora@archive.test",
                                             "archive+=@archive.test",
                                             "archive+dora=@archive.test",
                                             "archive+=x.test@archive.test",
                                             "archive+from@archive.test",
                                             "archive+from+@archive.test",
                                             "+dora=@archive.test",
                                             "archive+x=archive.test@archive.test",
                                             "archive+from+=example.com@archive.test"};

    for (guint i = 0; i < G_N_ELEMENTS(recipients); i++)
        assert_recipient(recipients[i], NULL);
}

static void rule_3_aliases_are_followed_to_their_end(void **state)
{
    assert_recipient("sales@example.com", "anna@example.com");
    assert_recipient("SALES@Example.com.", "anna@example.com");
    assert_recipient("info@example.com", "anna@example.com");
    assert_recipient("info+lists@example.com", "anna@example.com");
    assert_recipient("help+urgent@example.com", "bert@example.com");
    assert_recipient("help+other@example.com", "help@example.com");
    assert_recipient("help@old.test", "carl@new.test");
    assert_recipient("help+x@older.test", "carl@new.test");
    assert_recipient("x@example.com", NULL);
    assert_recipient("z@example.com", NULL);
}

static void rule_3_domain_aliases_are_followed_to_their_end(void **state)
{
    assert_recipient("dora@old.test", "dora@new.test");
    assert_recipient("dora@OLDER.test", "dora@new.test");
    assert_recipient("dora@odd.test", NULL);
}

static void rule_3_subaddresses_are_removed_at_the_first_delimiter(void **state)
{
    IngestOwnerSettings settings = usual;
    g_autoptr(IngestOwnerRules) dashed = NULL, none = NULL;

    assert_recipient("anna+a+b@example.com", "anna@example.com");
    assert_recipient("+anna@example.com", "+anna@example.com");
    assert_recipient("anna-x@example.com", "anna-x@example.com");
    settings.delimiter = "-";
    dashed = make_rules(&settings);
    assert_owner(dashed, "anna-a+b@example.com", "anna@example.com", VAULT_OWNER_RECIPIENT);
    settings.delimiter = "";
    none = make_rules(&settings);
    assert_owner(none, "anna+a-b@example.com", "anna+a-b@example.com", VAULT_OWNER_RECIPIENT);
}

static void rule_3_case_is_folded_unless_it_is_exact(void **state)
{
    IngestOwnerSettings settings = usual;
    g_autoptr(IngestOwnerRules) exact = NULL;

    assert_recipient("ANNA@EXAMPLE.com", "anna@example.com");
    assert_recipient("\xc3\x84nne@example.com", "\xc3\xa4nne@example.com");
    settings.is_local_case_exact = TRUE;
    exact = make_rules(&settings);
    assert_owner(exact, "ANNA@EXAMPLE.com", "ANNA@example.com", VAULT_OWNER_RECIPIENT);
    assert_owner(exact, "Sales@example.com", "Anna@example.com", VAULT_OWNER_RECIPIENT);
    assert_owner(exact, "sales@example.com", "sales@example.com", VAULT_OWNER_RECIPIENT);
}

static void rule_4_other_domains_are_unassigned(void **state)
{
    static const char *const recipients[] = {"anna@else.test",
                                             "anna@sub.example.com",
                                             "anna@[192.0.2.1]",
                                             "postmaster",
                                             "@example.com",
                                             "\"\"@example.com",
                                             "anna@",
                                             "anna@.",
                                             "\"anna@example.com\"",
                                             ""};

    for (guint i = 0; i < G_N_ELEMENTS(recipients); i++)
        assert_recipient(recipients[i], NULL);
}

static void archive_domains_have_no_mailboxes_even_if_they_are_configured(void **state)
{
    const IngestOwnerSettings settings = {.domains = LIST("archive.test", "example.com"),
                                          .archive_domains = LIST("archive.test"),
                                          .domain_aliases = LIST("odd.test=archive.test"),
                                          .aliases = LIST("a@example.com=b@archive.test"),
                                          .delimiter = "+"};
    g_autoptr(IngestOwnerRules) rules = make_rules(&settings);

    assert_owner(rules, "x@archive.test", NULL, VAULT_OWNER_RECIPIENT);
    assert_owner(rules, "x@odd.test", NULL, VAULT_OWNER_RECIPIENT);
    assert_owner(rules, "a@example.com", NULL, VAULT_OWNER_RECIPIENT);
    assert_owner(rules, "archive+x=archive.test@archive.test", NULL, VAULT_OWNER_RECIPIENT);
    assert_owner(rules, "archive+x=odd.test@archive.test", NULL, VAULT_OWNER_RECIPIENT);
}

static void domains_are_compared_as_a_labels(void **state)
{
    assert_recipient("anna@b\xc3\xbc"
                     "cher.example",
                     "anna@xn--bcher-kva.example");
    assert_recipient("anna@B\xc3\x9c"
                     "CHER.Example",
                     "anna@xn--bcher-kva.example");
    assert_recipient("anna@bu\xcc\x88"
                     "cher.example",
                     "anna@xn--bcher-kva.example");
    assert_recipient("anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example");
    /* Fullwidth characters and an ideographic full stop are mapped; what becomes '@' is not. */
    assert_recipient("anna@\xef\xbd\x85xample\xe3\x80\x82"
                     "com",
                     "anna@example.com");
    assert_recipient("anna@x\xef\xbc\xa0"
                     "example.com",
                     NULL);
    assert_recipient("anna@b\xff"
                     "cher.example",
                     NULL);
}

static void quotes_are_a_way_of_writing(void **state)
{
    assert_recipient("\"anna\"@example.com", "anna@example.com");
    assert_recipient("\"an na\"@example.com", "an na@example.com");
    assert_recipient("\"an\\na\\\"\"@example.com", "anna\"@example.com");
    assert_recipient("\"a@b\"@example.com", "a@b@example.com");
    assert_recipient("\"sales\"@example.com", "anna@example.com");
    assert_recipient("\"anna+lists\"@example.com", "anna@example.com");
    assert_recipient("\"archive+dora=example.com\"@archive.test", "dora@example.com");
}

static void names_with_quotes_around_them_are_nobody_elses(void **state)
{
    assert_recipient("\"\\\"anna\\\"\"@example.com", "\"\\\"anna\\\"\"@example.com");
    assert_recipient("\"\\\"\\\\\\\"\"@example.com", "\"\\\"\\\\\\\"\"@example.com");
    assert_recipient("\"\\\"anna\\\"+x\"@example.com", "\"\\\"anna\\\"\"@example.com");
}

static void normalised_addresses_stay_as_they_are(void **state)
{
    static const char *const addresses[] = {"\xc4\xb0+\xff@x.test",
                                            "Anna+x@Example.COM.",
                                            "\"\\\"a\\\"\"@x.test",
                                            "\"\\\"a\\\\\\\"\"@x.test",
                                            "\"\\\"\\\"\"@x.test",
                                            "a@older.test..",
                                            "\"a@b\"@x.test",
                                            "+a+b@x.test",
                                            "a@b\xc3\xbc"
                                            "cher.example\xe3\x80\x82",
                                            "\"a\\\"+\\\"\"@x.test"};
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);

    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *once = ingest_owner_normalise(rules, addresses[i]);
        g_autofree char *twice = NULL;

        assert_non_null(once);
        twice = ingest_owner_normalise(rules, once);
        assert_non_null(twice);
        assert_string_equal(twice, once);
    }
}

static void normalising_follows_no_address_alias(void **state)
{
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);
    g_autofree char *alias = ingest_owner_normalise(rules, "Sales+x@older.test");

    assert_string_equal(alias, "sales@new.test");
    assert_null(ingest_owner_normalise(rules, "sales"));
    assert_null(ingest_owner_normalise(rules, "@x.test"));
    assert_null(ingest_owner_normalise(rules, "a@b<c"));
}

static void owners_are_unique_in_the_order_of_first_naming(void **state)
{
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);
    g_autoptr(GPtrArray) owners =
        owners_of(rules, LIST("bert@example.com", "who@else.test",
                              "archive+from+anna=example.com@archive.test", "Bert@example.com",
                              "sales@example.com", "bert@example.com", "archive@archive.test",
                              "anna@example.com"));

    assert_int_equal(owners->len, 3);
    assert_string_equal(owner_at(owners, 0)->address, "bert@example.com");
    assert_int_equal(owner_at(owners, 0)->role, VAULT_OWNER_RECIPIENT);
    assert_int_equal(owner_at(owners, 0)->recipients->len, 2);
    assert_string_equal(owner_at(owners, 0)->recipients->pdata[0], "bert@example.com");
    assert_string_equal(owner_at(owners, 0)->recipients->pdata[1], "Bert@example.com");
    assert_null(owner_at(owners, 1)->address);
    assert_int_equal(owner_at(owners, 1)->role, VAULT_OWNER_UNASSIGNED);
    assert_int_equal(owner_at(owners, 1)->recipients->len, 2);
    assert_string_equal(owner_at(owners, 2)->address, "anna@example.com");
    assert_int_equal(owner_at(owners, 2)->role, VAULT_OWNER_SENDER);
    assert_int_equal(owner_at(owners, 2)->recipients->len, 3);
}

/* A search in a list for each of them would take far longer. */
static void many_recipients_take_linear_time(void **state)
{
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) owners = NULL;
    gint64 began_us = g_get_monotonic_time();

    for (guint i = 0; i < 100000; i++)
        g_ptr_array_add(recipients,
                        g_strdup_printf("user%u@%s", i, i % 2 == 0 ? "example.com" : "else.test"));
    owners = ingest_owners(rules, recipients);
    assert_int_equal(owners->len, 50001);
    assert_int_equal(owner_at(owners, 1)->recipients->len, 50000);
    assert_true(g_get_monotonic_time() - began_us < 20 * G_USEC_PER_SEC);
}

static void imports_name_any_domain_but_an_archives(void **state)
{
    g_autoptr(IngestOwnerRules) rules = make_rules(&usual);
    g_autoptr(GPtrArray) owners =
        ingest_owners_named(rules, LIST("Anna+x@Else.Test", "anna@else.test", "a@archive.test",
                                        "nobody", "b@odd.test"));
    g_autoptr(GPtrArray) empty = ingest_owners_named(rules, LIST(NULL));
    g_autoptr(GPtrArray) missing = ingest_owners_named(rules, NULL);

    assert_int_equal(owners->len, 2);
    assert_string_equal(owner_at(owners, 0)->address, "anna@else.test");
    assert_int_equal(owner_at(owners, 0)->role, VAULT_OWNER_IMPORT);
    assert_int_equal(owner_at(owners, 0)->recipients->len, 0);
    assert_null(owner_at(owners, 1)->address);
    assert_int_equal(owner_at(owners, 1)->role, VAULT_OWNER_UNASSIGNED);
    assert_int_equal(empty->len, 1);
    assert_null(owner_at(empty, 0)->address);
    assert_int_equal(missing->len, 1);
}

static void assert_malformed(const IngestOwnerSettings *settings, const char *entry)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(IngestOwnerRules) rules = ingest_owner_rules_new(settings, &error);

    assert_null(rules);
    assert_true(g_error_matches(error, VAULT_ERROR, VAULT_ERROR_MALFORMED));
    if (strstr(error->message, entry) == NULL)
        fail_msg("\"%s\" does not name \"%s\"", error->message, entry);
}

static void wrong_entries_are_named(void **state)
{
    static const char *const domains[] = {"a@b.test", "a b.test",  "",           ".",
                                          "a=b.test", "a\tb.test", "\"a\".test", "<a.test"};
    static const char *const pairs[] = {"a.test", "=b.test", "a.test=", "a=b=c", "a@b=c"};
    static const char *const aliases[] = {"a@b", "a@b=", "=a@b", "a=b@c", "a@b=c", "a@b=@c"};

    for (guint i = 0; i < G_N_ELEMENTS(domains); i++) {
        assert_malformed(&(IngestOwnerSettings){.domains = LIST("ok.test", domains[i])},
                         domains[i]);
        assert_malformed(&(IngestOwnerSettings){.archive_domains = LIST(domains[i])}, domains[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
        assert_malformed(&(IngestOwnerSettings){.domain_aliases = LIST("o.test=k.test", pairs[i])},
                         pairs[i]);
    for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
        assert_malformed(&(IngestOwnerSettings){.aliases = LIST("a@o.test=b@k.test", aliases[i])},
                         aliases[i]);
}

static void aliases_in_a_circle_are_named(void **state)
{
    assert_malformed(&(IngestOwnerSettings){.aliases = LIST("a@x=b@x", "b@x=c@x", "c@x=a@x")},
                     "circle");
    assert_malformed(&(IngestOwnerSettings){.aliases = LIST("a@x=a@x")}, "a@x");
    assert_malformed(&(IngestOwnerSettings){.aliases = LIST("a@x=a+b@x"), .delimiter = "+"}, "a@x");
    assert_malformed(
        &(IngestOwnerSettings){.aliases = LIST("a@x=a@y"), .domain_aliases = LIST("y=x")}, "a@x");
    assert_malformed(&(IngestOwnerSettings){.domain_aliases = LIST("x=y", "y=z", "z=x")}, "circle");
    assert_malformed(&(IngestOwnerSettings){.domain_aliases = LIST("x=X.")}, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_1_template_names_the_recipient),
        cmocka_unit_test(rule_2_template_names_the_sender),
        cmocka_unit_test(rule_2_archive_alone_names_nobody),
        cmocka_unit_test(rule_3_aliases_are_followed_to_their_end),
        cmocka_unit_test(rule_3_domain_aliases_are_followed_to_their_end),
        cmocka_unit_test(rule_3_subaddresses_are_removed_at_the_first_delimiter),
        cmocka_unit_test(rule_3_case_is_folded_unless_it_is_exact),
        cmocka_unit_test(rule_4_other_domains_are_unassigned),
        cmocka_unit_test(archive_domains_have_no_mailboxes_even_if_they_are_configured),
        cmocka_unit_test(domains_are_compared_as_a_labels),
        cmocka_unit_test(quotes_are_a_way_of_writing),
        cmocka_unit_test(names_with_quotes_around_them_are_nobody_elses),
        cmocka_unit_test(normalised_addresses_stay_as_they_are),
        cmocka_unit_test(normalising_follows_no_address_alias),
        cmocka_unit_test(owners_are_unique_in_the_order_of_first_naming),
        cmocka_unit_test(many_recipients_take_linear_time),
        cmocka_unit_test(imports_name_any_domain_but_an_archives),
        cmocka_unit_test(wrong_entries_are_named),
        cmocka_unit_test(aliases_in_a_circle_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
