#ifndef INPUTS_TEMPLATE_H
#define INPUTS_TEMPLATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Templates in flags, ldflags, labels, annotations and tags, as ko has them: {{.Env.NAME}},
 * {{.GoEnv.NAME}}, {{.Date}}, {{.Timestamp}} and {{.Git.NAME}} with NAME one of Branch, Tag,
 * ShortCommit, FullCommit, CommitDate, CommitTimestamp, IsDirty, IsClean, TreeState. Only these
 * are supported of Go's text/template. Programs are run when a template names what they say, once:
 * go for GoEnv, git for Git. Dates are UTC; SOURCE_DATE_EPOCH stands for the time when it is set.
 */
struct template
{
	const char *dir; /* where go and git are run; NULL: the working directory */
	struct strs env; /* NAME=VALUE of the build, over the environment; owned */

	/* What was named so far, so that a build graph can depend on it. used_env: a variable of
	 * the environment, that env does not have. */
	bool used_env, used_goenv, used_git, used_date;

	/* private */
	struct strs goenv;
	char *git[8];
};

/* Sets the build's environment anew, for another platform; takes what is in env and leaves it
 * empty. */
void template_environment(struct template *template, struct strs *env);

/* Whether text has anything to expand. */
bool template_is(const char *text);

/* The text with its templates expanded, malloced; ERR_INPUT "FROM: ..." ("ko.yaml:7"). */
char *template_expand(
	struct template *template, const char *text, const char *from, struct err *err);

/* Expands every element of a list in place. */
int template_expand_all(
	struct template *template, struct strs *list, const char *from, struct err *err);

void template_release(struct template *template);

#endif
