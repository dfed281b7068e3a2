using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Tandem.Conformance.Tests.Subjects;

/// <summary>The theory is run once with each subject.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class EverySubjectAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Enum.GetValues<Subject>().Select(subject => new TheoryDataRow<Subject>(subject))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
