//! Tokens to commands, by the grammar of POSIX's shell.
//!
//! One call of [`next_line`] reads one line, or as many as its constructs
//! take, so that a line is run before the next is read.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY};

use crate::sh::ast::{
    Chain, Command, Compound, Join, List, Part, Pipeline, Redirect, Simple,
    Target, Word,
};
use crate::sh::lexer::{Lexer, Parsed, Token, Trouble, plain, syntax};
use crate::sh::name::is_name;

/// Words that end a list of commands.
const CLOSERS: [&str; 8] =
    ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// Reads one line from `at` on; gives its commands and where the next line
/// starts, or nothing at the end of the text.
///
/// # Errors
/// What is wrong, or that text is missing.
pub fn next_line(text: &str, at: usize) -> Parsed<Option<(List, usize)>> {
    let mut lexer = Lexer::new(text, at);
    if matches!(lexer.peek()?, Token::End) {
        return Ok(None);
    }
    let mut list = List::new();
    while !lexer.take("\n")? && !matches!(lexer.peek()?, Token::End) {
        list.push(chain(&mut lexer)?);
    }
    Ok(Some((list, lexer.position())))
}

/// Reads a whole text.
///
/// # Errors
/// As [`next_line`].
pub fn whole(text: &str) -> Parsed<List> {
    let mut lexer = Lexer::new(text, 0);
    let parsed = list(&mut lexer)?;
    match lexer.peek()? {
        Token::End => Ok(parsed),
        _ => Err(lexer.unexpected()),
    }
}

/// Reads the commands of `$(…)` and its closing parenthesis.
pub fn substitution(lexer: &mut Lexer) -> Parsed<List> {
    let parsed = list(lexer)?;
    lexer.expect(")")?;
    Ok(parsed)
}

fn skip_newlines(lexer: &mut Lexer) -> Parsed<()> {
    while lexer.take("\n")? {}
    Ok(())
}

/// The next token if it is a word without quotes.
fn keyword<'a>(lexer: &'a mut Lexer) -> Parsed<Option<&'a str>> {
    match lexer.peek()? {
        Token::Word(word) => Ok(plain(word)),
        _ => Ok(None),
    }
}

fn take_keyword(lexer: &mut Lexer, expected: &str) -> Parsed<bool> {
    let is_next = keyword(lexer)? == Some(expected);
    if is_next {
        lexer.next()?;
    }
    Ok(is_next)
}

fn expect_keyword(lexer: &mut Lexer, expected: &str) -> Parsed<()> {
    if take_keyword(lexer, expected)? {
        Ok(())
    } else {
        Err(lexer.unexpected())
    }
}

/// Reads chains until something that ends a list.
fn list(lexer: &mut Lexer) -> Parsed<List> {
    let mut chains = List::new();
    loop {
        skip_newlines(lexer)?;
        if keyword(lexer)?.is_some_and(|word| CLOSERS.contains(&word)) {
            return Ok(chains);
        }
        match lexer.peek()? {
            Token::End | Token::Operator(")" | ";;") => return Ok(chains),
            _ => chains.push(chain(lexer)?),
        }
    }
}

/// A list that must not be empty.
fn body(lexer: &mut Lexer) -> Parsed<List> {
    let parsed = list(lexer)?;
    if parsed.is_empty() { Err(lexer.unexpected()) } else { Ok(parsed) }
}

fn chain(lexer: &mut Lexer) -> Parsed<Chain> {
    let start = lexer.position();
    let first = pipeline(lexer)?;
    let mut rest = Vec::new();
    loop {
        let join = if lexer.take("&&")? {
            Join::And
        } else if lexer.take("||")? {
            Join::Or
        } else {
            break;
        };
        skip_newlines(lexer)?;
        rest.push((join, pipeline(lexer)?));
    }
    lexer.peek()?;
    let text = lexer.since(start);
    let background = lexer.take("&")?.then(|| String::from(text));
    if background.is_none() && !lexer.take(";")? {
        match lexer.peek()? {
            Token::End | Token::Operator("\n" | ")" | ";;") => {}
            Token::Word(word)
                if plain(word).is_some_and(|w| CLOSERS.contains(&w)) => {}
            _ => return Err(lexer.unexpected()),
        }
    }
    Ok(Chain { first, rest, background })
}

fn pipeline(lexer: &mut Lexer) -> Parsed<Pipeline> {
    let is_negated = take_keyword(lexer, "!")?;
    let mut commands = Vec::from([command(lexer)?]);
    while lexer.take("|")? {
        skip_newlines(lexer)?;
        commands.push(command(lexer)?);
    }
    Ok(Pipeline { is_negated, commands })
}

fn command(lexer: &mut Lexer) -> Parsed<Command> {
    let compound = match lexer.peek()? {
        Token::Operator("(") => Some(subshell(lexer)?),
        Token::Word(word) => match plain(word) {
            Some("{") => Some(group(lexer)?),
            Some("if") => Some(conditional(lexer)?),
            Some("while") => Some(repetition(lexer, "while")?),
            Some("until") => Some(repetition(lexer, "until")?),
            Some("for") => Some(for_each(lexer)?),
            Some("case") => Some(case(lexer)?),
            Some(word) if CLOSERS.contains(&word) => {
                return Err(lexer.unexpected());
            }
            _ => None,
        },
        _ => None,
    };
    let Some(compound) = compound else {
        return simple(lexer);
    };
    let mut redirects = Vec::new();
    while let Some(redirect) = redirect(lexer)? {
        redirects.push(redirect);
    }
    Ok(Command::Compound(Box::new(compound), redirects))
}

fn subshell(lexer: &mut Lexer) -> Parsed<Compound> {
    lexer.expect("(")?;
    let parsed = body(lexer)?;
    lexer.expect(")")?;
    Ok(Compound::Subshell(parsed))
}

fn group(lexer: &mut Lexer) -> Parsed<Compound> {
    expect_keyword(lexer, "{")?;
    let parsed = body(lexer)?;
    expect_keyword(lexer, "}")?;
    Ok(Compound::Group(parsed))
}

fn conditional(lexer: &mut Lexer) -> Parsed<Compound> {
    expect_keyword(lexer, "if")?;
    let mut branches = Vec::new();
    loop {
        let condition = body(lexer)?;
        expect_keyword(lexer, "then")?;
        branches.push((condition, body(lexer)?));
        if !take_keyword(lexer, "elif")? {
            break;
        }
    }
    let has_else = take_keyword(lexer, "else")?;
    let otherwise = if has_else { Some(body(lexer)?) } else { None };
    expect_keyword(lexer, "fi")?;
    Ok(Compound::If { branches, otherwise })
}

fn repetition(lexer: &mut Lexer, word: &str) -> Parsed<Compound> {
    expect_keyword(lexer, word)?;
    let condition = body(lexer)?;
    let body = do_done(lexer)?;
    Ok(Compound::Loop { condition, body, is_until: word == "until" })
}

fn do_done(lexer: &mut Lexer) -> Parsed<List> {
    expect_keyword(lexer, "do")?;
    let parsed = body(lexer)?;
    expect_keyword(lexer, "done")?;
    Ok(parsed)
}

fn for_each(lexer: &mut Lexer) -> Parsed<Compound> {
    expect_keyword(lexer, "for")?;
    let name = match keyword(lexer)? {
        Some(name) if is_name(name) => String::from(name),
        _ => return Err(lexer.unexpected()),
    };
    lexer.next()?;
    skip_newlines(lexer)?;
    let words = take_keyword(lexer, "in")?.then(|| words(lexer)).transpose()?;
    if words.is_none() {
        lexer.take(";")?;
    }
    skip_newlines(lexer)?;
    Ok(Compound::For { name, words, body: do_done(lexer)? })
}

/// Words up to `;` or the end of the line.
fn words(lexer: &mut Lexer) -> Parsed<Vec<Word>> {
    let mut words = Vec::new();
    loop {
        match lexer.next()? {
            Token::Word(word) => words.push(word),
            Token::Operator(";" | "\n") => return Ok(words),
            Token::End => return Err(Trouble::Incomplete),
            _ => return Err(syntax("token in for")),
        }
    }
}

fn case(lexer: &mut Lexer) -> Parsed<Compound> {
    expect_keyword(lexer, "case")?;
    let Token::Word(word) = lexer.next()? else {
        return Err(syntax("token after case"));
    };
    skip_newlines(lexer)?;
    expect_keyword(lexer, "in")?;
    let mut arms = Vec::new();
    loop {
        skip_newlines(lexer)?;
        if take_keyword(lexer, "esac")? {
            return Ok(Compound::Case { word, arms });
        }
        arms.push(arm(lexer)?);
    }
}

fn arm(lexer: &mut Lexer) -> Parsed<(Vec<Word>, List)> {
    lexer.take("(")?;
    let mut patterns = Vec::new();
    loop {
        match lexer.next()? {
            Token::Word(word) => patterns.push(word),
            Token::End => return Err(Trouble::Incomplete),
            _ => return Err(syntax("token in case")),
        }
        if !lexer.take("|")? {
            break;
        }
    }
    lexer.expect(")")?;
    let commands = list(lexer)?;
    if !lexer.take(";;")? && keyword(lexer)? != Some("esac") {
        return Err(lexer.unexpected());
    }
    Ok((patterns, commands))
}

fn simple(lexer: &mut Lexer) -> Parsed<Command> {
    let mut parsed = Simple::default();
    loop {
        if let Some(redirect) = redirect(lexer)? {
            parsed.redirects.push(redirect);
            continue;
        }
        if !matches!(lexer.peek()?, Token::Word(_)) {
            break;
        }
        let Token::Word(word) = lexer.next()? else { break };
        match assignment(&word).filter(|_| parsed.words.is_empty()) {
            Some(assignment) => parsed.assignments.push(assignment),
            None => parsed.words.push(word),
        }
        if let [word] = parsed.words.as_slice()
            && let Some(name) = plain(word).filter(|name| is_name(name))
            && parsed.assignments.is_empty()
            && lexer.take("(")?
        {
            return function(lexer, name.into());
        }
    }
    let is_empty = parsed.words.is_empty()
        && parsed.assignments.is_empty()
        && parsed.redirects.is_empty();
    if is_empty { Err(lexer.unexpected()) } else { Ok(Command::Simple(parsed)) }
}

/// Takes `NAME=VALUE` apart, if the word is an assignment.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Literal(text)) = word.first() else {
        return None;
    };
    let (name, value) = text.split_once('=').filter(|(n, _)| is_name(n))?;
    let mut rest = Vec::new();
    if !value.is_empty() {
        rest.push(Part::Literal(value.into()));
    }
    rest.extend_from_slice(&word[1..]);
    Some((name.into(), rest))
}

fn function(lexer: &mut Lexer, name: String) -> Parsed<Command> {
    lexer.expect(")")?;
    skip_newlines(lexer)?;
    let body = Rc::new(command(lexer)?);
    Ok(Command::Function { name, body })
}

fn redirect(lexer: &mut Lexer) -> Parsed<Option<Redirect>> {
    let number = match lexer.peek()? {
        Token::Number(number) => Some(*number),
        Token::Operator(operator) if operator.starts_with(['<', '>']) => None,
        _ => return Ok(None),
    };
    if number.is_some() {
        lexer.next()?;
    }
    let Token::Operator(operator) = lexer.next()? else {
        return Err(syntax("number"));
    };
    let word = match lexer.next()? {
        Token::Word(word) => word,
        Token::End => return Err(Trouble::Incomplete),
        _ => return Err(syntax("token after a redirection")),
    };
    let is_input = operator.starts_with('<');
    let descriptor = number.unwrap_or(i32::from(!is_input));
    let flags = match operator {
        "<" => O_RDONLY,
        "<>" => O_RDWR | O_CREAT,
        ">>" => O_WRONLY | O_CREAT | O_APPEND,
        _ => O_WRONLY | O_CREAT | O_TRUNC,
    };
    let target = match operator {
        "<&" | ">&" => Target::Descriptor(word),
        "<<" | "<<-" => {
            Target::Here(lexer.here_document(&word, operator == "<<-"))
        }
        _ => Target::File { name: word, flags },
    };
    Ok(Some(Redirect { descriptor, target }))
}
